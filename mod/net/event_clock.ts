// The time of the event that is dealt with. While a stream's owner is given bytes the clock is read once,
// by whoever asks first: all that one chunk sets off has happened at one time.

/** 0: not read yet in this event; below: there is none, or its time is over. */
let time = -1;

/**
 * By `performance.now()`, and that itself outside of such an event: in timers and behind promises.
 * Hot path.
 */
export function eventTime(): number {
  if (time > 0) return time;
  const now = performance.now();
  if (time === 0) time = now;
  return now;
}

/** Bytes are given to an owner. */
export function beginEvent(): void {
  time = 0;
}

/** It has done with them. */
export function endEvent(): void {
  time = -1;
}
