// Waiting for events: long enough that only a hang fails, with words that say what was waited for.
const kPatienceMs = Number(process.env.STORY_PATIENCE_MS ?? 30_000);

export async function within(promise, what, ms = kPatienceMs) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms} ms for ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

// A time in which something must NOT happen. Nothing is waited for by it, so a slow machine can
// only make a story miss a fault, never report one.
export function quietTime(ms = 150) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function deferred() {
  const result = {};
  result.promise = new Promise((resolve, reject) => Object.assign(result, { resolve, reject }));
  return result;
}
