import { expect, test } from "bun:test";
import { accepts, isNothing } from "../../../src/formats/grammar/automaton.ts";
import { patternAutomaton } from "../../../src/formats/grammar/automaton-regex.ts";
import { numberAutomaton } from "../../../src/formats/grammar/number-range.ts";
import { seededRandom } from "../../support/seeded-random.ts";
test("x",()=>{
 const r=seededRandom(3);
 const pick=<T,>(a:readonly T[]):T=>a[r.below(a.length)]!;
 const atom=(d:number):string=>{const k=r.below(d>0?9:6);switch(k){case 0:case 1:return pick(["a","b","c"]);case 2:return pick(["[ab]","[^a]","[a-c]","\\w","\\d","."]);case 3:return pick(["^","$"]);case 4:return "a";case 5:return pick(["\\s","b"]);default:return `(${k===6?"?:":""}${alt(d-1)})`;}};
 const q=(d:number):string=>{const a=atom(d);if(a==="^"||a==="$"||r.next()<0.6)return a;return a+pick(["*","+","?","{2}","{1,2}","{0,}","*?"]);};
 const seq=(d:number):string=>Array.from({length:r.below(4)},()=>q(d)).join("");
 const alt=(d:number):string=>Array.from({length:1+r.below(3)},()=>seq(d)).join("|");
 let n=0,yes=0;
 for(let i=0;i<3000;i++){const p=(r.next()<0.15?`^(?${pick(["=","!"])}${alt(1)})${seq(2)}`:alt(2));const re=new RegExp(p,"u");const A=patternAutomaton(p);
  for(let j=0;j<12;j++){const t=Array.from({length:r.below(6)},()=>pick(["a","b","c","1"," ","é","\n"])).join("");n++;const w=re.test(t);if(w)yes++;if(accepts(A,t)!==w)throw new Error(JSON.stringify([p,t,w]));}}
 console.log(n,yes);
});
test("num",()=>{
 const r=seededRandom(5);let n=0,yes=0;
 const val=()=>{const s=r.below(4);const m=10**r.below(4);const v=(r.below(2*m)-m)/(10**s);return v===0?0:v;};
 for(let i=0;i<1500;i++){const integer=r.next()<0.4;let a=val(),b=val();const hasA=r.next()<0.8,hasB=r.next()<0.8;const ea=r.next()<0.3,eb=r.next()<0.3;
  const mult=r.next()<0.25?[[2,0.5,0.05,3,7,12,0.25,1][r.below(8)]!]:[];
  const A=numberAutomaton({min:hasA?{value:a,exclusive:ea}:undefined,max:hasB?{value:b,exclusive:eb}:undefined,multiples:mult},integer);
  for(let j=0;j<30;j++){let v=r.next()<0.5?val():pickNear(r,[a,b]);if(integer)v=Math.round(v);if(v===0)v=0;const t=String(v);if(/e/.test(t))continue;
   let w=true;if(hasA)w&&=ea?v>a:v>=a;if(hasB)w&&=eb?v<b:v<=b;for(const m of mult){const q=Math.round(v*1e6),d=Math.round(m*1e6);w&&=q%d===0&&Math.abs(v*1e6-q)<1e-3;}
   n++;if(w)yes++;if(accepts(A,t)!==w)throw new Error(JSON.stringify({a,b,ea,eb,hasA,hasB,mult,integer,v,w,nothing:isNothing(A)}));}}
 console.log(n,yes);
});
function pickNear(r:ReturnType<typeof seededRandom>,c:number[]){const v=c[r.below(2)]!+[0,1,-1,0.1,-0.1,0.001,-0.001][r.below(7)]!;return Number(v.toFixed(4));}
