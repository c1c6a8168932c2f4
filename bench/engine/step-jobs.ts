// What the process of a single measurement can do.
import type { JobTable } from "../../workers/engine/process/jobs.ts";
import { measureStep } from "./measure.ts";

export const jobs = { measureStep } satisfies JobTable;
