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
