// Asks the REST API.

/** An answer that is not the data asked for; `message` is for people to read. */
export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Return the address of an endpoint below /api/v1; parameters may be lists, null is left out. */
export function endpoint(path, parameters = {}) {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of [value].flat()) if (one !== null && one !== undefined) url.searchParams.append(name, one);
  }
  return url.href;
}

/** Return a function url → JSON that asks for each address once; all end with `signal`.
 *
 * The JSON's promise is rejected with ApiError, or AbortError if the signal ended it. */
export function createLoader(signal) {
  const answers = new Map();
  return (url) => {
    if (!answers.has(url)) answers.set(url, getJson(url, signal));
    return answers.get(url);
  };
}

/** Return the JSON at `url`. Raises as createLoader's promises do. */
export async function getJson(url, signal) {
  let response;
  try {
    response = await fetch(url, { signal, headers: { Accept: "application/json" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached.", 0);
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body !== null) return body;
  throw new ApiError(reason(body) ?? `The server answered with status ${response.status}.`, response.status);
}

// RFC 9457; a 422 names the parameters at fault in `errors`.
function reason(problem) {
  const faults = (problem?.errors ?? []).map(({ parameter, message }) => `${parameter} ${message}`);
  return faults.length ? faults.join("; ") : problem?.detail;
}
