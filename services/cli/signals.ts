/** Resolves with the first signal that asks this process to end, or when the process that started it has gone. */
export function untilAskedToStop({ parent = false }: { readonly parent?: boolean } = {}): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve(signal));
    if (parent && process.send !== undefined) {
      process.once("disconnect", () => resolve("disconnect"));
      // The listener alone would keep this process from ending.
      process.channel?.unref();
    }
  });
}
