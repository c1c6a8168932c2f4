// Where a PJRT plugin for this machine's accelerator lies: Python's packages bring them, though no Python runs here.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { EngineError } from "../errors.ts";

export const pluginVariable = "STARLING_PJRT_PLUGIN";
export const pluginInstall = `pip install "jax[cuda13]"`;

/** Inside a site-packages folder; the newest version of each first. */
const plugins = [
  { folder: /^xla_cuda\d*$/, file: "xla_cuda_plugin.so" },
  { folder: /^xla_rocm\d*$/, file: "xla_rocm_plugin.so" },
] as const;

const listFolders =
  "import site, sys; print('\\n'.join([*site.getsitepackages(), site.getusersitepackages(), *sys.path]))";
const pythonMs = 10_000;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The file that is named, here or in STARLING_PJRT_PLUGIN, else the first in Python's packages.
 *
 * @throws EngineError saying where it looked and how to install one.
 */
export async function findPlugin(plugin?: string, environment: Environment = process.env): Promise<string> {
  const named = plugin ?? environment[pluginVariable];
  if (named) {
    if (existsSync(named)) return named;
    throw new EngineError(`there is no PJRT plugin at ${named}, which ${pluginVariable} names`);
  }
  const folders = [...new Set([...knownFolders(environment), ...(await pythonFolders(environment))])];
  for (const folder of folders) {
    const found = pluginIn(folder);
    if (found) return found;
  }
  const places = folders.filter((folder) => existsSync(folder)).join(", ") || "none";
  throw new EngineError(
    `no PJRT plugin in Python's packages (${places}); install one by: ${pluginInstall}, or set ${pluginVariable}`,
  );
}

function pluginIn(folder: string): string | undefined {
  const names = namesIn(join(folder, "jax_plugins")).sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  for (const plugin of plugins) {
    for (const name of names.filter((each) => plugin.folder.test(each))) {
      const file = join(folder, "jax_plugins", name, plugin.file);
      if (existsSync(file)) return file;
    }
  }
  return undefined;
}

/** What a Python environment has of its own comes before the system's. */
function knownFolders({ VIRTUAL_ENV, HOME = homedir() }: Environment): string[] {
  const libraries = [VIRTUAL_ENV && join(VIRTUAL_ENV, "lib"), join(HOME, ".local/lib"), "/usr/local/lib", "/usr/lib"];
  return libraries.flatMap((library) =>
    namesIn(library || "")
      .filter((name) => /^python3(\.\d+)?$/.test(name))
      .flatMap((name) => ["site-packages", "dist-packages"].map((packages) => join(library || "", name, packages))),
  );
}

async function pythonFolders(environment: Environment): Promise<string[]> {
  try {
    const options = { env: environment, timeout: pythonMs };
    const { stdout } = await promisify(execFile)("python3", ["-c", listFolders], options);
    return stdout.split("\n").filter((line) => line.startsWith("/"));
  } catch {
    return []; // no Python, which is fine
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
