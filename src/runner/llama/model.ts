// A loaded model: its weights, its vocabulary, and the facts that decide which features it can have.

import { ptr, type Pointer } from "bun:ffi";
import { AppError } from "../../base/errors.ts";
import type { WordPieces } from "../../formats/word-pieces.ts";
import { layouts } from "./abi.gen.ts";
import { asPointer, cString, passing, readCString, type LlamaSymbols } from "./library.ts";
import { byValue, CStruct } from "./struct.ts";
import { hasWordPieces, wordPiecesOf } from "./word-piece-vocabulary.ts";

export interface ModelParams {
  /** GPUs that hold layers (ggml_backend_dev_t), in the order the last layers fill them; none: all stays on the CPU. */
  readonly gpus: readonly { readonly pointer: Pointer; readonly layers: number }[];
  readonly mmap: boolean;
}

const LOAD_MODE_NONE = 0;
const LOAD_MODE_MMAP = 1;
const SPLIT_MODE_LAYER = 1;
/** llama.cpp reads as many splits as llama_max_devices() says: 16. */
const MAX_DEVICES = 16;

export class Model implements Disposable {
  readonly vocab: Pointer;
  readonly vocabSize: number;
  /** Text is cut as BERT cuts it, by our own tokenizer; control tokens in it are text. */
  readonly hasWordPieces: boolean;
  readonly trainedContext: number;
  readonly embeddingLength: number;
  readonly slidingWindow: number;
  readonly isRecurrent: boolean;
  readonly isHybrid: boolean;
  readonly hasEncoder: boolean;
  readonly hasDecoder: boolean;
  readonly sizeBytes: number;
  readonly #pieces: (Uint8Array | undefined)[];
  readonly #eog: Uint8Array;
  #pieceTokenizer: { readonly found: WordPieces | undefined } | undefined;
  #endTokens: readonly number[] | undefined;
  #byFirstByte: readonly (readonly number[] | undefined)[] | undefined;
  #pointer: Pointer | null;

  /** Throws `internal` when llama.cpp refuses the file; what it said is on stderr. */
  static load(llama: LlamaSymbols, path: string, params: ModelParams): Model {
    // A list that ends with null; an empty one says that no GPU may be used.
    const devices = new BigUint64Array([...params.gpus.map(({ pointer }) => BigInt(pointer)), 0n]);
    const splits = new Float32Array(MAX_DEVICES);
    for (const [i, { layers }] of params.gpus.entries()) splits[i] = layers;
    const struct = new CStruct(layouts.llama_model_params).set({
      devices: ptr(devices),
      tensor_split: ptr(splits),
      n_gpu_layers: params.gpus.reduce((sum, { layers }) => sum + layers, 0),
      split_mode: SPLIT_MODE_LAYER,
      load_mode: params.mmap ? LOAD_MODE_MMAP : LOAD_MODE_NONE,
    });
    const name = cString(path);
    const pointer = asPointer(llama.llama_model_load_from_file(...byValue(ptr(name), struct, passing)));
    // The buffers must outlive the call: naming them here keeps the collector away.
    void [name, struct, devices, splits];
    if (pointer === null) throw new AppError("internal", "llama.cpp could not load the model");
    return new Model(llama, pointer);
  }

  private constructor(
    private readonly llama: LlamaSymbols,
    pointer: Pointer,
  ) {
    this.#pointer = pointer;
    const vocab = asPointer(llama.llama_model_get_vocab(pointer));
    if (vocab === null) throw new AppError("internal", "the model has no vocabulary");
    this.vocab = vocab;
    this.vocabSize = llama.llama_vocab_n_tokens(vocab);
    this.hasWordPieces = hasWordPieces(llama, vocab);
    this.trainedContext = llama.llama_model_n_ctx_train(pointer);
    this.embeddingLength = llama.llama_model_n_embd_out(pointer);
    this.slidingWindow = llama.llama_model_n_swa(pointer);
    this.isRecurrent = llama.llama_model_is_recurrent(pointer);
    this.isHybrid = llama.llama_model_is_hybrid(pointer);
    this.hasEncoder = llama.llama_model_has_encoder(pointer);
    this.hasDecoder = llama.llama_model_has_decoder(pointer);
    this.sizeBytes = Number(llama.llama_model_size(pointer));
    this.#pieces = Array.from<Uint8Array | undefined>({ length: this.vocabSize });
    this.#eog = new Uint8Array(this.vocabSize);
    for (let i = 0; i < this.vocabSize; i++) this.#eog[i] = llama.llama_vocab_is_eog(vocab, i) ? 1 : 0;
  }

  get pointer(): Pointer {
    if (this.#pointer === null) throw new AppError("internal", "the model was freed");
    return this.#pointer;
  }

  [Symbol.dispose](): void {
    if (this.#pointer !== null) this.llama.llama_model_free(this.#pointer);
    this.#pointer = null;
  }

  /** True for a token that ends a generation (end of text, end of turn, …). */
  isEndOfGeneration(token: number): boolean {
    return this.#eog[token] === 1;
  }

  /** Every token that ends a generation. */
  get endTokens(): readonly number[] {
    this.#endTokens ??= Array.from(this.#eog.keys()).filter((token) => this.#eog[token] === 1);
    return this.#endTokens;
  }

  /** Tokens that print something, grouped by the first byte they print. */
  get tokensByFirstByte(): readonly (readonly number[] | undefined)[] {
    if (this.#byFirstByte === undefined) {
      const groups = Array.from<number[] | undefined>({ length: 256 });
      for (let token = 0; token < this.vocabSize; token++) {
        const first = this.isEndOfGeneration(token) ? undefined : this.piece(token)[0];
        if (first === undefined) continue;
        const group = groups[first];
        if (group === undefined) groups[first] = [token];
        else group.push(token);
      }
      this.#byFirstByte = groups;
    }
    return this.#byFirstByte;
  }

  /** The id of the token with exactly this text, if there is one. */
  tokenOf(text: string): number | undefined {
    const tokens = this.tokenize(text, { addSpecial: false, parseSpecial: true });
    return tokens.length === 1 ? tokens[0] : undefined;
  }

  get addsBos(): boolean {
    return this.llama.llama_vocab_get_add_bos(this.vocab);
  }

  get addsEos(): boolean {
    return this.llama.llama_vocab_get_add_eos(this.vocab);
  }

  get addsSep(): boolean {
    return this.llama.llama_vocab_get_add_sep(this.vocab);
  }

  /** Scores that a classification head gives. */
  get classCount(): number {
    return this.llama.llama_model_n_cls_out(this.pointer);
  }

  /** How a reranker wants query and document put together, where it says so. */
  get rankTemplate(): string | undefined {
    const name = cString("rerank");
    const template = readCString(this.llama.llama_model_chat_template(this.pointer, ptr(name)));
    return template === "" ? undefined : template;
  }

  get bosToken(): number {
    return this.llama.llama_vocab_bos(this.vocab);
  }

  get eosToken(): number {
    return this.llama.llama_vocab_eos(this.vocab);
  }

  get sepToken(): number {
    return this.llama.llama_vocab_sep(this.vocab);
  }

  /** Token ids of `text`; with `special`, BOS/EOS are added as the model wants and control tokens in the text are read. */
  tokenize(text: string, options: { addSpecial: boolean; parseSpecial: boolean }): Int32Array {
    const pieces = options.parseSpecial ? undefined : this.#wordPieces();
    if (pieces === undefined) return this.#tokenize(text, options);
    const [opening, ...closing] = options.addSpecial ? this.#tokenize("", options) : [];
    return Int32Array.from([...(opening === undefined ? [] : [opening]), ...pieces.encode(text), ...closing]);
  }

  #wordPieces(): WordPieces | undefined {
    if (this.hasWordPieces) this.#pieceTokenizer ??= { found: wordPiecesOf(this.llama, this.pointer, this.vocab) };
    return this.#pieceTokenizer?.found;
  }

  #tokenize(text: string, options: { addSpecial: boolean; parseSpecial: boolean }): Int32Array {
    const bytes = Buffer.from(text, "utf8");
    const source = bytes.length === 0 ? new Uint8Array(1) : bytes;
    let tokens = new Int32Array(bytes.length + 8);
    const call = () =>
      this.llama.llama_tokenize(
        this.vocab,
        source,
        bytes.length,
        tokens,
        tokens.length,
        options.addSpecial,
        options.parseSpecial,
      );
    let count = call();
    if (count < 0) {
      tokens = new Int32Array(-count);
      count = call();
    }
    if (count < 0) throw new AppError("invalid", "the text is too long to tokenize");
    return tokens.subarray(0, count);
  }

  /** The bytes a token stands for in output; control tokens are empty, as they never reach a client. Cached. */
  piece(token: number): Uint8Array {
    const known = this.#pieces[token];
    if (known !== undefined) return known;
    const bytes = this.rawPiece(token, false);
    this.#pieces[token] = bytes;
    return bytes;
  }

  /** The bytes of a token; `special` also spells control tokens out. */
  rawPiece(token: number, special: boolean): Uint8Array {
    if (token < 0 || token >= this.vocabSize) throw new AppError("invalid", `token ${token} is not in the vocabulary`);
    let buffer = new Uint8Array(64);
    let length = this.llama.llama_token_to_piece(this.vocab, token, buffer, buffer.length, 0, special);
    if (length < 0) {
      buffer = new Uint8Array(-length);
      length = this.llama.llama_token_to_piece(this.vocab, token, buffer, buffer.length, 0, special);
    }
    return buffer.slice(0, Math.max(length, 0));
  }
}
