// Makes zod the validator of every route, and turns what it finds into JSON pointers.
import type { FastifySchemaCompiler } from "fastify";
import type { z } from "zod";
import { pointerTo } from "./json.ts";

/** One thing that is wrong with a request, and where. */
export interface Fault {
  /** JSON pointer into the body; for a query or a path, the name of the parameter after a slash. */
  readonly pointer: string;
  readonly detail: string;
}

export type RequestPart = "body" | "querystring" | "params" | "headers";

export class RequestInvalid extends Error {
  override readonly name = "RequestInvalid";
  readonly part: RequestPart;
  readonly faults: readonly Fault[];

  constructor(part: RequestPart, faults: readonly Fault[]) {
    super(`${faults.length} ${faults.length === 1 ? "fault" : "faults"}, at ${faults.map(placeOf).join(", ")}`);
    this.part = part;
    this.faults = faults;
  }
}

function placeOf({ pointer }: Fault): string {
  return pointer === "" ? "the whole" : pointer;
}

/** More are not told: a body of a thousand wrong genomes deserves a short answer too. */
const maximumFaults = 50;

export const validatorCompiler: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  return (data: unknown) => {
    const result = schema.safeParse(data, { reportInput: true });
    if (result.success) return { value: result.data };
    return { error: new RequestInvalid((httpPart ?? "body") as RequestPart, faultsOf(result.error)) };
  };
};

/** One fault for each place: what zod says first about it. */
export function faultsOf(error: z.ZodError): Fault[] {
  const faults = new Map<string, Fault>();
  for (const fault of error.issues.flatMap(faultsOfIssue)) {
    if (!faults.has(fault.pointer)) faults.set(fault.pointer, fault);
  }
  return [...faults.values()].slice(0, maximumFaults);
}

function faultsOfIssue(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ pointer: pointerTo(...issue.path, key), detail: "this key is not known" }));
  }
  const message = issue.message.replace(/^Invalid (?:input|option): /, "");
  return [{ pointer: pointerTo(...issue.path), detail: `${message}${received(issue.input)}` }];
}

/** The offending value, where it is short enough to help. */
function received(input: unknown): string {
  if (typeof input === "number" || typeof input === "boolean") return `, got ${input}`;
  if (typeof input === "string" && input.length <= 80) return `, got ${JSON.stringify(input)}`;
  return "";
}
