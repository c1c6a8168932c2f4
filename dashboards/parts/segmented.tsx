/** A choice of few, all visible. */
export function Segmented<Value extends string>(props: {
  label: string;
  name: string;
  value: Value;
  choices: readonly (readonly [value: Value, text: string])[];
  onChange: (value: Value) => void;
}) {
  const { label, name, value, choices, onChange } = props;
  return (
    <fieldset class="segmented">
      <legend class="unseen">{label}</legend>
      {choices.map(([choice, text]) => (
        <label key={choice}>
          <input type="radio" name={name} checked={choice === value} onChange={() => onChange(choice)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  );
}
