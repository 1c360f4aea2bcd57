/**
 * Writes types and parameters out of `deno doc --json` as TypeScript.
 *
 * @module
 */

/** A type, as `deno doc --json` describes it. What its members mean depends on `kind`. */
export interface DocType {
  /** The kind of type. */
  kind: string;
  /** The text of simple types. */
  repr?: string;
  /** What it is made of. */
  // deno-lint-ignore no-explicit-any
  value?: any;
}

/** A parameter, as `deno doc --json` describes it. */
export interface DocParam {
  /** `identifier`, `assign`, `rest`, `object` or `array`. */
  kind: string;
  /** The name of an identifier. */
  name?: string;
  /** Whether it may be left out. */
  optional?: boolean;
  /** Its type. */
  tsType?: DocType;
  /** The parameter proper, of one with a default value. */
  left?: DocParam;
  /** The default value of `assign`. */
  right?: string;
  /** The parameter proper, of a rest parameter. */
  arg?: DocParam;
}

/** A function's parameters and result. */
export interface DocCallable {
  /** The parameters. */
  params?: DocParam[];
  /** The result's type. */
  returnType?: DocType;
}

/** A type as text; `unknown` parts are written as three dots. */
export function writeType(type: DocType | undefined): string {
  if (type === undefined) return "unknown";
  const { value } = type;
  const list = (types: DocType[], separator: string) => types.map(writeType).join(separator);
  switch (type.kind) {
    case "keyword":
    case "this":
      return type.repr || type.kind;
    case "literal":
      return value.kind === "string" ? JSON.stringify(value.string) : String(type.repr ?? value[value.kind]);
    case "typeRef": {
      const params: DocType[] | undefined = value.typeParams;
      return params?.length ? `${value.typeName}<${list(params, ", ")}>` : value.typeName;
    }
    case "union":
      return list(value, " | ");
    case "intersection":
      return list(value, " & ");
    case "array":
      return `${writeMember(value)}[]`;
    case "tuple":
      return `[${list(value, ", ")}]`;
    case "parenthesized":
      return `(${writeType(value)})`;
    case "optional":
      return `${writeType(value)}?`;
    case "rest":
      return `...${writeType(value)}`;
    case "typeOperator":
      return `${value.operator} ${writeType(value.tsType)}`;
    case "typeQuery":
      return `typeof ${typeof value === "string" ? value : type.repr}`;
    case "indexedAccess":
      return `${writeType(value.objType)}[${writeType(value.indexType)}]`;
    case "typePredicate":
      return `${value.param?.name ?? "this"} is ${writeType(value.type)}`;
    case "fnOrConstructor":
      return `${value.constructor === true ? "new " : ""}(${writeParams(value.params)}) => ${
        writeType(value.tsType)
      }`;
    case "typeLiteral":
      return writeLiteral(value);
    default:
      return type.repr || "...";
  }
}

/** An array's element type, in parentheses where it needs them. */
function writeMember(type: DocType): string {
  const text = writeType(type);
  return ["union", "intersection", "fnOrConstructor", "typeOperator"].includes(type.kind)
    ? `(${text})`
    : text;
}

interface LiteralMember extends DocCallable {
  name: string;
  optional?: boolean;
  tsType?: DocType;
}

function writeLiteral(value: { properties?: LiteralMember[]; methods?: LiteralMember[] }): string {
  const properties = (value.properties ?? []).map(({ name, optional, tsType }) =>
    `${name}${optional ? "?" : ""}: ${writeType(tsType)}`
  );
  const methods = (value.methods ?? []).map(({ name, params, returnType }) =>
    `${name}(${writeParams(params)}): ${writeType(returnType)}`
  );
  const all = [...properties, ...methods];
  return all.length === 0 ? "{}" : `{ ${all.join("; ")} }`;
}

/** Parameters as text, without the parentheses. */
export function writeParams(params: readonly DocParam[] | undefined): string {
  return (params ?? []).map((param, i) => writeParam(param, i)).join(", ");
}

function writeParam(param: DocParam, index: number): string {
  if (param.kind === "rest") {
    return `...${param.arg?.name ?? "rest"}: ${writeType(param.tsType ?? param.arg?.tsType)}`;
  }
  if (param.kind === "assign") {
    const inner = param.left ?? param;
    // The tool tells simple default values only.
    const known = param.right !== undefined && !param.right.startsWith("[");
    const type = writeType(param.tsType ?? inner.tsType);
    const name = inner.name ?? `arg${index}`;
    return known ? `${name}: ${type} = ${param.right}` : `${name}?: ${type}`;
  }
  return `${param.name ?? `arg${index}`}${param.optional ? "?" : ""}: ${writeType(param.tsType)}`;
}
