import type { Connection } from "../live.ts";

const texts: Readonly<Record<Connection, { label: string; title: string }>> = {
  connecting: { label: "Connecting", title: "Opening the stream of events" },
  live: { label: "Live", title: "This page follows the service's events" },
  reconnecting: { label: "Reconnecting", title: "The stream of events broke off; what you see may be a little old" },
};

export function ConnectionSign({ connection }: { connection: Connection }) {
  const { label, title } = texts[connection];
  return (
    <span class="connection" data-connection={connection} title={title} role="status">
      <span class="state-dot" aria-hidden="true" />
      {label}
    </span>
  );
}
