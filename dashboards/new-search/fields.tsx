import type { ComponentChildren } from "preact";
import { createContext } from "preact";
import { useContext } from "preact/hooks";

/** What the service refused, by field. */
export const Refused = createContext<ReadonlyMap<string, readonly string[]>>(new Map());

/** `pointer` is the place of the field's value in the SearchConfig. */
interface FieldProps {
  readonly pointer: string;
  readonly label: string;
  readonly hint?: string;
}

const idOf = (pointer: string) => `field${pointer.replaceAll("/", "-")}`;

function Refusals({ pointer }: { pointer: string }) {
  const refusals = useContext(Refused).get(pointer) ?? [];
  if (refusals.length === 0) return null;
  return (
    <p class="field-error" id={`${idOf(pointer)}-error`} role="alert">
      {refusals.join("; ")}
    </p>
  );
}

function useDescription({ pointer, hint }: FieldProps) {
  const refused = useContext(Refused).has(pointer);
  const ids = [hint && `${idOf(pointer)}-hint`, refused && `${idOf(pointer)}-error`].filter(Boolean).join(" ");
  return { "aria-invalid": refused, ...(ids && { "aria-describedby": ids }) };
}

function Frame({ pointer, label, hint, children }: FieldProps & { children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={idOf(pointer)}>{label}</label>
      {children}
      <Refusals pointer={pointer} />
      {hint && (
        <p class="hint" id={`${idOf(pointer)}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

export function TextField(
  props: FieldProps & { value: string; onChange: (value: string) => void; numeric?: boolean; placeholder?: string },
) {
  const { value, onChange, numeric = false, placeholder } = props;
  return (
    <Frame {...props}>
      <input
        id={idOf(props.pointer)}
        type="text"
        inputMode={numeric ? "decimal" : "text"}
        autocomplete="off"
        value={value}
        {...(placeholder !== undefined && { placeholder })}
        onInput={(event) => onChange(event.currentTarget.value)}
        {...useDescription(props)}
      />
    </Frame>
  );
}

export function TextArea(props: FieldProps & { value: string; onChange: (value: string) => void }) {
  return (
    <Frame {...props}>
      <textarea
        id={idOf(props.pointer)}
        rows={3}
        spellcheck={false}
        value={props.value}
        onInput={(event) => props.onChange(event.currentTarget.value)}
        {...useDescription(props)}
      />
    </Frame>
  );
}

export function Choice(
  props: FieldProps & {
    value: string;
    choices: readonly (readonly [value: string, text: string])[];
    onChange: (value: string) => void;
  },
) {
  return (
    <Frame {...props}>
      <select
        id={idOf(props.pointer)}
        value={props.value}
        onChange={(event) => props.onChange(event.currentTarget.value)}
        {...useDescription(props)}
      >
        {props.choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </Frame>
  );
}

export function Switch(props: FieldProps & { on: boolean; onChange: (on: boolean) => void }) {
  return (
    <div class="field">
      <label class="check">
        <input
          id={idOf(props.pointer)}
          type="checkbox"
          checked={props.on}
          onChange={(event) => props.onChange(event.currentTarget.checked)}
          {...useDescription(props)}
        />
        <span>{props.label}</span>
      </label>
      <Refusals pointer={props.pointer} />
      {props.hint && (
        <p class="hint" id={`${idOf(props.pointer)}-hint`}>
          {props.hint}
        </p>
      )}
    </div>
  );
}

/** Any number of a few names, in their own order whatever the order of choosing. */
export function ManyOf(
  props: FieldProps & {
    names: readonly string[];
    chosen: readonly string[];
    titleOf: (name: string) => string;
    onChange: (chosen: string[]) => void;
  },
) {
  const { names, chosen, titleOf, onChange, pointer, label, hint } = props;
  const toggle = (name: string) => onChange(names.filter((other) => (other === name) !== chosen.includes(other)));
  return (
    <fieldset class="field chips" {...useDescription(props)}>
      <legend>{label}</legend>
      <div>
        {names.map((name) => (
          <label key={name} class="chip">
            <input type="checkbox" checked={chosen.includes(name)} onChange={() => toggle(name)} />
            <span>{titleOf(name)}</span>
          </label>
        ))}
      </div>
      <Refusals pointer={pointer} />
      {hint && (
        <p class="hint" id={`${idOf(pointer)}-hint`}>
          {hint}
        </p>
      )}
    </fieldset>
  );
}
