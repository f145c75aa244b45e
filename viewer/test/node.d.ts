/** What a test uses of Node. All of its types would change those of the browser's timers. */
declare module "node:child_process" {
  export function execFileSync(file: string, args: readonly string[]): unknown;
}
declare module "node:fs" {
  export function mkdtempSync(prefix: string): string;
  export function readFileSync(path: string): Uint8Array<ArrayBuffer>;
  export function rmSync(path: string, options: { recursive: boolean }): void;
  export function writeFileSync(path: string, data: Uint8Array): void;
}
declare module "node:os" {
  export function tmpdir(): string;
}
declare module "node:path" {
  export function join(...parts: readonly string[]): string;
}
