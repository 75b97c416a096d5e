// What `show` says about a model, as blocks of rows (Ollama: cmd/cmd.go, showInfo).

import type { ShowResponse } from "../../api/schema/models.ts";
import { humanNumber } from "../../base/human-number.ts";
import { formatFloat } from "../../formats/gotemplate/float.ts";
import { renderBlock } from "./table.ts";

type Rows = readonly (readonly string[])[];
type Values = Readonly<Record<string, unknown>>;

/** Long texts wrap later than other cells. */
const TEXT_COLUMNS = 100;
const SHOWN_LINES = 2;

export function renderModelInfo(model: ShowResponse, isVerbose: boolean): string {
  const { capabilities = [], parameters = "", projector_info, system = "", license = "", tensors = [] } = model;
  return [
    renderBlock("Model", modelRows(model)),
    ...block(
      "Capabilities",
      capabilities.map((name) => [name]),
    ),
    ...(projector_info === undefined ? [] : [renderBlock("Projector", projectorRows(projector_info))]),
    ...(parameters === "" ? [] : [renderBlock("Parameters", parameterRows(parameters))]),
    ...(isVerbose ? [renderBlock("Metadata", metadataRows(model.model_info))] : []),
    ...(isVerbose
      ? block(
          "Tensors",
          tensors.map(({ name, type, shape }) => [name, type, `[${shape.join(" ")}]`]),
        )
      : []),
    ...(system === "" ? [] : [renderBlock("System", firstLines(system), TEXT_COLUMNS)]),
    ...(license === "" ? [] : [renderBlock("License", firstLines(license), TEXT_COLUMNS)]),
  ].join("");
}

function block(title: string, rows: Rows): string[] {
  return rows.length === 0 ? [] : [renderBlock(title, rows)];
}

function modelRows({
  details,
  model_info: info,
  remote_host = "",
  remote_model = "",
  requires = "",
}: ShowResponse): Rows {
  const architecture = textAt(info, "general.architecture");
  const count = info["general.parameter_count"];
  const parameters = details.parameter_size || (typeof count === "number" ? humanNumber(count) : "");
  return [
    ...(remote_host === ""
      ? []
      : [
          ["Remote model", remote_model],
          ["Remote URL", remote_host],
        ]),
    ...(architecture === "" ? [] : [["architecture", architecture]]),
    ...(parameters === "" ? [] : [["parameters", parameters]]),
    ...numberRow("context length", info[`${architecture}.context_length`]),
    ...numberRow("embedding length", info[`${architecture}.embedding_length`]),
    ["quantization", details.quantization_level],
    ...(requires === "" ? [] : [["requires", requires]]),
  ];
}

function projectorRows(info: Values): Rows {
  const architecture = textAt(info, "general.architecture");
  const count = info["general.parameter_count"];
  const valueOf = (suffix: string): unknown =>
    ["vision", "audio"]
      .map((kind) => info[`${architecture}.${kind}.${suffix}`])
      .find((value) => typeof value === "number");
  return [
    ...(architecture === "" ? [] : [["architecture", architecture]]),
    ...(typeof count === "number" ? [["parameters", humanNumber(count)]] : []),
    ...numberRow("embedding length", valueOf("embedding_length")),
    ...numberRow("dimensions", valueOf("projection_dim")),
  ];
}

function textAt(values: Values, key: string): string {
  const value = values[key];
  return typeof value === "string" ? value : "";
}

function numberRow(label: string, value: unknown): string[][] {
  return typeof value === "number" ? [[label, formatFloat(value, "f", -1)]] : [];
}

function parameterRows(parameters: string): Rows {
  const lines = parameters.split("\n").filter((line) => line !== "");
  return lines.map((line) => line.split(/\s+/).filter((word) => word !== ""));
}

function metadataRows(info: Values): Rows {
  const keys = Object.keys(info).sort((left, right) => (left < right ? -1 : 1));
  return keys.map((key) => [key, metadataText(info[key])]);
}

function metadataText(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return formatFloat(value, "g", -1);
    case "boolean":
      return String(value);
    default:
      if (Array.isArray(value)) return listText(value);
      return value === null || value === undefined ? "<nil>" : "map[string]interface {}";
  }
}

const LIST_COLUMNS = 10;

/** As many items as fit into a narrow column, at least one, and how many there are besides. */
function listText(items: readonly unknown[]): string {
  const shown: string[] = [];
  let width = 1;
  for (const item of items) {
    const text = Array.isArray(item) ? `[${item.map(metadataText).join(" ")}]` : metadataText(item);
    width += Bun.stringWidth(text) + (shown.length > 0 ? 2 : 0);
    if (width > LIST_COLUMNS && shown.length > 0) break;
    shown.push(text);
  }
  const left = items.length - shown.length;
  return `[${shown.join(" ")}${left > 0 ? ` ...+${left} more` : ""}]`;
}

function firstLines(text: string): Rows {
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const rows = lines.slice(0, SHOWN_LINES).map((line) => [line]);
  return lines.length > SHOWN_LINES ? [...rows, ["..."]] : rows;
}
