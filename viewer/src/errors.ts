import { errors } from "./texts/errors";

/** What went wrong in one sentence, and what the reader can do about it. */
export class ViewerError extends Error {
  constructor(
    message: string,
    readonly hint: string,
  ) {
    super(message);
    this.name = "ViewerError";
  }
}

/** What is shown of whatever went wrong; the console has what nobody expected. */
export function inWords(cause: unknown): ViewerError {
  if (cause instanceof ViewerError) return cause;
  console.error(cause);
  return new ViewerError(...errors.unexpected);
}

/** Reads JSON from elsewhere; throws `otherwise` where it is something else. */
export function parseJson(text: string, otherwise: ViewerError): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw otherwise;
  }
}
