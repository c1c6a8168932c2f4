// Settings of MAD tasks from a command line.
import { profileNames, taskNames } from "../../genome/index.ts";
import { type EvaluationSetting, settingsOf } from "../../workers/mad/profiles.ts";
import { count, list, oneOf } from "./options.ts";

interface Given {
  readonly profile: string;
  readonly tasks: string;
  readonly width?: string | undefined;
  readonly epochs?: string | undefined;
  readonly "learning-rate"?: string | undefined;
}

/** The settings of a profile, with its training shortened or changed where that is asked for. */
export function readSettings(given: Given): EvaluationSetting[] {
  const { width, epochs, "learning-rate": rate } = given;
  const tasks = list(given.tasks).map((name) => oneOf("tasks", name, taskNames));
  const profile = oneOf("profile", given.profile, profileNames);
  return settingsOf(profile, tasks, { width: width === undefined ? null : count("width", width) }).map((setting) => ({
    ...setting,
    training: {
      ...setting.training,
      ...(epochs !== undefined && { epochs: count("epochs", epochs) }),
      ...(rate !== undefined && { learningRates: [positive("learning-rate", rate)] }),
    },
  }));
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new RangeError(`--${name} is "${text}", expected a positive number`);
}
