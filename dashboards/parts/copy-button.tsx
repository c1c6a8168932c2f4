import { useState } from "preact/hooks";

export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    setSaid((await copyText(text())) ? "Copied" : "Not allowed here: select and copy by hand");
    setTimeout(() => setSaid(""), 2_000);
  };
  return (
    <button type="button" class="button button-small" onClick={() => void copy()}>
      <span aria-live="polite">{said || label}</span>
    </button>
  );
}

/** The clipboard of an insecure origin is closed; an old command still works there in most browsers. */
async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  }
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
