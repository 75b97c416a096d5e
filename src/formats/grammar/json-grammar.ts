// What `format: "json"` constrains to: any JSON object, as in Ollama (llm/llama_server.go, grammarJSON). Blanks and digits
// are bounded there only by the context; here they are bounded, because small models print blanks until it is full.

export const JSON_GRAMMAR = String.raw`root ::= object
value ::= object | array | string | number | "true" | "false" | "null"
object ::= "{" ws ("}" | pair ("," ws pair)* ws "}")
pair ::= string ":" ws value
array ::= "[" ws ("]" | value ("," ws value)* ws "]")
string ::= "\"" char* "\""
char ::= [\x20-\x21\x23-\x5B\]-\x7E\x80-\uD7FF\uE000-\U0010FFFF] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F]{4})
number ::= "-"? ("0" | [1-9] [0-9]{0,20}) ("." [0-9]{1,22})? ([eE] [+\-]? [0-9]{1,2})?
ws ::= (" " | "\n" [ \t]{0,32})?
`;
