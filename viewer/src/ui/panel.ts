import type { Format, Manifest } from "../manifest";
import { texts } from "../texts/page";
import { el } from "./dom";

type Row = readonly [label: string, value: string | HTMLElement | null];

/** Title and figures of a scene, folded to one line until asked for. */
export function panel(title: string, manifest: Manifest | null, gaussians: number): HTMLElement {
  const rows = figures(manifest, gaussians).filter((row): row is [string, string | HTMLElement] => row[1] !== null);
  return el(
    "details",
    { class: "panel solid", "aria-label": texts.information },
    el("summary", {}, el("h1", {}, title), el("p", {}, summary(manifest, gaussians))),
    el("dl", {}, ...rows.flatMap(([label, value]) => [el("dt", {}, label), el("dd", {}, value)])),
  );
}

function summary(manifest: Manifest | null, gaussians: number): string {
  const psnr = manifest?.metadata.psnr ?? null;
  const preview = manifest?.previewAt ?? null;
  const parts = [...(preview === null ? [] : [texts.figures.preview(preview)]), texts.figures.summary(gaussians)];
  if (psnr !== null) parts.push(texts.figures.decibels(psnr));
  return parts.join(" · ");
}

function figures(manifest: Manifest | null, gaussians: number): readonly Row[] {
  const { figures: words } = texts;
  if (!manifest) return [[words.gaussians, words.count(gaussians)]];
  const { metadata } = manifest;
  const say = <T>(value: T | null, words: (value: T) => string): string | null => (value === null ? null : words(value));
  return [
    [words.gaussians, words.count(gaussians)],
    [words.photos, photos(metadata.photosRegistered, metadata.photos)],
    [words.psnr, say(metadata.psnr, words.decibels)],
    [words.ssim, say(metadata.ssim, words.ratio)],
    [words.lpips, say(metadata.lpips, words.ratio)],
    [words.measured, metadata.psnr !== null && metadata.heldOutJoined ? words.beforeJoining : null],
    [words.scale, say(metadata.metric, (metric) => (metric ? words.metric : words.units))],
    // Each download says its own size.
    [words.size, manifest.formats.some(({ bytes }) => bytes !== null) ? null : say(metadata.splatSizeMb, words.sizeMb)],
    [words.pipeline, manifest.pipeline],
    [words.created, say(manifest.createdAt, words.date)],
    [words.downloads, downloads(manifest)],
  ];
}

function photos(used: number | null, all: number | null): string | null {
  if (used !== null && all !== null) return texts.figures.photosOf(used, all);
  return all === null ? null : texts.figures.count(all);
}

function downloads({ formats }: Manifest): HTMLElement {
  const link = ({ url, bytes }: Format): HTMLElement =>
    el("a", { href: url.href, download: true, rel: "noopener noreferrer" }, texts.figures.download(extension(url), bytes));
  return el("span", { class: "links" }, ...formats.map(link));
}

/** What a file is, by the end of its name. */
const extension = (url: URL): string => /\.[a-z0-9]{1,8}$/i.exec(url.pathname)?.[0].toLowerCase() ?? texts.figures.file;
