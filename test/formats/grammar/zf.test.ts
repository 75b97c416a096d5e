import { test } from "bun:test";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { AppError } from "../../../src/base/errors.ts";
import { checkGrammar } from "../../../src/formats/grammar/gbnf-check.ts";
import { GrammarMatcher } from "../../../src/formats/grammar/gbnf-match.ts";
import { schemaToGrammar } from "../../../src/formats/grammar/schema-to-gbnf.ts";
import { GrammarSampler } from "../../support/grammar-sampler.ts";
import { seededRandom } from "../../support/seeded-random.ts";
test("fuzz",()=>{
 const seed=Number(process.env["SEED"]??1),N=Number(process.env["N"]??1500);
 const r=seededRandom(seed);
 const pick=<T,>(a:readonly T[]):T=>a[r.below(a.length)]!;
 const chance=(p:number)=>r.next()<p;
 const num=()=>pick([-3,-1,0,1,2,2.5,5,10,100,-0.5]);
 const val=(d=1):unknown=>pick<()=>unknown>([()=>null,()=>true,()=>pick([0,1,2,3,2.5]),()=>pick(["a","ab","x1","","b"]),()=>d>0?[val(0)]:[],()=>d>0?{a:val(0)}:{}])();
 function one(d:number):Record<string,unknown>{
  const s:Record<string,unknown>={};
  const types=["null","boolean","integer","number","string","object","array"];
  if(chance(0.75))s["type"]=chance(0.2)?[pick(types),pick(types)].filter((x,i,a)=>a.indexOf(x)===i):pick(types);
  const has=(t:string)=>s["type"]===undefined||s["type"]===t||(Array.isArray(s["type"])&&s["type"].includes(t));
  if(chance(0.08))s["enum"]=[val(),val(),val(),val()].filter((x,i,a)=>a.findIndex(y=>JSON.stringify(y)===JSON.stringify(x))===i);
  if(chance(0.05))s["const"]=val();
  if(has("integer")||has("number")){if(chance(0.3))s["minimum"]=num();if(chance(0.3))s["maximum"]=num();if(chance(0.1))s["exclusiveMinimum"]=num();if(chance(0.1))s["exclusiveMaximum"]=num();if(chance(0.1))s["multipleOf"]=pick([1,2,3,0.5,0.1]);}
  if(has("string")){if(chance(0.2))s["minLength"]=r.below(4);if(chance(0.2))s["maxLength"]=r.below(6);if(chance(0.2))s["pattern"]=pick(["^a","b$","^[a-c]*$","\\d","^(?!x)","a|b","^.{2}$"]);if(chance(0.1))s["format"]=pick(["date","email","ipv4","uuid","time"]);}
  if(d>0&&has("array")){if(chance(0.5))s["items"]=sub(d-1);if(chance(0.25))s["prefixItems"]=[sub(d-1),...(chance(0.5)?[sub(d-1)]:[])];if(chance(0.2))s["minItems"]=r.below(4);if(chance(0.2))s["maxItems"]=r.below(4);if(chance(0.15))s["uniqueItems"]=true;}
  if(d>0&&has("object")){
   const p:Record<string,unknown>={};for(const k of ["a","ab","b","x1"])if(chance(0.5))p[k]=sub(d-1);if(chance(0.8))s["properties"]=p;
   if(chance(0.5))s["required"]=["a","ab","b","x1","z"].filter(()=>chance(0.3));
   if(chance(0.35))s["additionalProperties"]=chance(0.5)?false:sub(d-1);
   if(chance(0.12))s["patternProperties"]={[pick(["^a","1$","^x"])]:sub(d-1),...(chance(0.4)?{[pick(["b","\\d"])]:sub(d-1)}:{})};
   if(chance(0.1))s["propertyNames"]=pick([{maxLength:1},{pattern:"^[a-z]*$"},{enum:["a","b","q"]},{minLength:2}]);
   if(chance(0.12))s["minProperties"]=r.below(3);if(chance(0.12))s["maxProperties"]=r.below(4);
   if(chance(0.1))s["dependentRequired"]={[pick(["a","b"])]:[pick(["ab","x1"])]};
   if(chance(0.06))s["dependentSchemas"]={[pick(["a","b"])]:sub(d-1)};
   if(chance(0.08))s["unevaluatedProperties"]=false;
  }
  if(d>0){
   if(chance(0.12))s["anyOf"]=[sub(d-1),sub(d-1)];
   if(chance(0.1))s["oneOf"]=[sub(d-1),sub(d-1)];
   if(chance(0.12))s["allOf"]=[sub(d-1),sub(d-1)];
   if(chance(0.06))s["not"]=sub(d-1);
   if(chance(0.06)){s["if"]=sub(d-1);s["then"]=sub(d-1);if(chance(0.5))s["else"]=sub(d-1);}
   if(chance(0.06))s["$ref"]=pick(["#/$defs/p","#/$defs/q"]);
  }
  return s;
 }
 const sub=(d:number):unknown=>chance(0.06)?pick([true,false,{}]):one(d);
 const ajv=new Ajv2020({strict:false,multipleOfPrecision:9,logger:false});addFormats(ajv);
 let ok=0,err=0,samples=0;const reasons=new Map<string,number>();let slow=0;
 for(let i=0;i<N;i++){
  const schema={...one(3),$defs:{p:one(1),q:one(2)}};
  let g:string;const t=performance.now();
  try{g=schemaToGrammar(schema);}catch(e){if(!(e instanceof AppError)||e.fault!=="invalid"){console.log(JSON.stringify(schema));throw e;}err++;if(e.message.includes("no value")){const v=ajv.compile(schema);const simple=[null,true,false,0,1,-1,2,5,10,2.5,"","a","ab","b","x1","1",[],[1],["a"],[null],{}, {a:1},{b:1},{ab:1},{z:1},{a:true},{b:null},{x1:"a"},{a:"a",b:"a"}];const f=simple.find(x=>v(x));if(f!==undefined)console.log("UNSAT? ",JSON.stringify(f),JSON.stringify(schema));}const k=e.message.replace(/at #\S*/,"at #").replace(/\d+/g,"N").slice(0,90);reasons.set(k,(reasons.get(k)??0)+1);continue;}
  slow=Math.max(slow,performance.now()-t);
  ok++;const grammar=checkGrammar(g);const m=GrammarMatcher.create(grammar);const s=new GrammarSampler(grammar);const v=ajv.compile(schema);
  for(let j=0;j<15;j++){const x=s.sample(r,120);samples++;const k=m.clone();if(!k.advanceText(x)||!k.canEnd)throw new Error("matcher "+x+JSON.stringify(schema));
   if(!v(JSON.parse(x)))throw new Error("UNSOUND "+x+"\n"+JSON.stringify(schema)+"\n"+JSON.stringify(v.errors));}
 }
 console.log({ok,err,samples,slow});for(const [k,n] of [...reasons].sort((a,b)=>b[1]-a[1]).slice(0,15))console.log(n,k);
},100000);
