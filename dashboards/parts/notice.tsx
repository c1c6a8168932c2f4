import type { ComponentChildren } from "preact";
import type { Answer } from "../answer.ts";
import { ApiError } from "../api.ts";

/** A sentence where nothing can be shown yet. */
export function Loading({ what }: { what: string }) {
  return (
    <p class="notice" role="status">
      <span class="spinner" aria-hidden="true" /> Loading {what} …
    </p>
  );
}

export function Failure({ what, error, retry }: { what: string; error: Error; retry?: () => void }) {
  const requestId = error instanceof ApiError ? error.requestId : null;
  return (
    <div class="notice notice-failed" role="alert">
      <p>
        <strong>{what} could not be loaded.</strong> {error.message}
        {requestId && <small> Request {requestId}.</small>}
      </p>
      {retry && (
        <button type="button" class="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="notice notice-empty">{children}</div>;
}

/** Loading, failed, stale or there: the four states of anything that was asked for. */
export function Answered<T>(props: {
  answer: Answer<T>;
  /** As the object of "Loading ...". */
  what: string;
  children: (data: T) => ComponentChildren;
}) {
  const { answer, what, children } = props;
  if (answer.data === null) {
    if (answer.error === null) return <Loading what={what} />;
    return <Failure what={capitalize(what)} error={answer.error} retry={answer.refresh} />;
  }
  return (
    <>
      {answer.error && (
        <p class="stale" role="status">
          Shown as last known: {answer.error.message}
        </p>
      )}
      {children(answer.data)}
    </>
  );
}

const capitalize = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
