// Eigenvalues and eigenvectors of a small symmetric matrix, by Jacobi's rotations.
//
// Golub and Van Loan, "Matrix Computations", section 8.5. Quadratic convergence; each sweep costs about 4 N^3.

export interface EigenPair {
  readonly value: number;
  readonly vector: readonly number[];
}

/** In no particular order; the vectors are orthonormal. */
export function symmetricEigen(matrix: readonly (readonly number[])[]): EigenPair[] {
  const a = matrix.map((row) => Float64Array.from(row));
  const rows = a.map((_, i) => Float64Array.from(a, (_, j) => (i === j ? 1 : 0))); // row i becomes eigenvector i
  const scale = Math.hypot(...a.map((row) => Math.hypot(...row)));
  for (let sweep = 0; sweep < 60 && offDiagonal(a) > 1e-15 * scale; sweep++) {
    for (let p = 0; p < a.length; p++) {
      for (let q = p + 1; q < a.length; q++) rotate(a, rows, p, q);
    }
  }
  return a.map((row, i) => ({ value: row[i] ?? 0, vector: [...(rows[i] ?? [])] }));
}

/** Makes a[p][q] zero: a <- J^T a J, eigenvectors <- J^T eigenvectors. */
function rotate(a: Float64Array[], vectors: Float64Array[], p: number, q: number): void {
  const [rowP, rowQ] = [a[p] as Float64Array, a[q] as Float64Array];
  const coupling = rowP[q] as number;
  if (coupling === 0) return;
  const tilt = ((rowQ[q] as number) - (rowP[p] as number)) / (2 * coupling);
  const tangent = (tilt >= 0 ? 1 : -1) / (Math.abs(tilt) + Math.hypot(tilt, 1));
  const cosine = 1 / Math.hypot(tangent, 1);
  const sine = tangent * cosine;
  for (const row of a) turn(row, p, row, q, cosine, sine);
  for (let k = 0; k < a.length; k++) {
    turn(rowP, k, rowQ, k, cosine, sine);
    turn(vectors[p] as Float64Array, k, vectors[q] as Float64Array, k, cosine, sine);
  }
}

/** The plane rotation of entry i of x with entry j of y. */
function turn(x: Float64Array, i: number, y: Float64Array, j: number, cosine: number, sine: number): void {
  const [a, b] = [x[i] as number, y[j] as number];
  x[i] = cosine * a - sine * b;
  y[j] = sine * a + cosine * b;
}

function offDiagonal(a: readonly Float64Array[]): number {
  return Math.hypot(...a.map((row, i) => Math.hypot(...row.filter((_, j) => j !== i))));
}
