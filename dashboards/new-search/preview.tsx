import { useState } from "preact/hooks";
import { CopyButton } from "../parts/copy-button.tsx";
import { Segmented } from "../parts/segmented.tsx";
import { curlCommand } from "./form.ts";

type Form = "json" | "curl";

/** The same search as data, for a file or a shell. */
export function Preview({ config }: { config: unknown }) {
  const [form, setForm] = useState<Form>("json");
  const origin = new URL(".", location.href.split("#")[0]).href;
  const text = form === "json" ? JSON.stringify(config, null, 2) : curlCommand(config, origin);
  return (
    <section class="card preview" aria-labelledby="preview-title">
      <div class="card-heading">
        <h2 id="preview-title">As data</h2>
        <Segmented
          label="Form"
          name="preview-form"
          value={form}
          choices={[
            ["json", "JSON"],
            ["curl", "curl"],
          ]}
          onChange={setForm}
        />
        <CopyButton label={form === "json" ? "Copy JSON" : "Copy as curl"} text={() => text} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable with the keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </section>
  );
}
