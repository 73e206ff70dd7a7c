// An end to waiting.

/**
 * Waits for a promise, but not for ever.
 *
 * @throws {Error} After `ms` milliseconds; what was waited for goes on unseen.
 */
export async function withDeadline<T>(
  promise: Promise<T>,
  { ms }: { readonly ms: number },
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not finished within ${Math.round(ms)} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
