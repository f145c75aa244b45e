import { clamp } from "../math";
import { texts } from "../texts/page";
import { el } from "./dom";

/** A touch pad to move with the left thumb; shown by the style sheet only where fingers are. */
export class Pad {
  private readonly knob = el("span", {});
  readonly element = el("div", { class: "pad", role: "application", "aria-label": texts.pad, hidden: true }, this.knob);

  constructor(private readonly onMove: (right: number, ahead: number) => void) {
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      this.slide(event);
    });
    this.element.addEventListener("pointermove", (event) => {
      if (this.element.hasPointerCapture(event.pointerId)) this.slide(event);
    });
    for (const end of ["pointerup", "pointercancel"] as const) this.element.addEventListener(end, () => this.place(0, 0));
  }

  set hidden(value: boolean) {
    this.element.hidden = value;
    this.place(0, 0);
  }

  private slide({ clientX, clientY }: PointerEvent): void {
    const { left, top, width, height } = this.element.getBoundingClientRect();
    const x = ((clientX - left) / width) * 2 - 1;
    const y = 1 - ((clientY - top) / height) * 2;
    this.place(clamp(x, -1, 1), clamp(y, -1, 1));
  }

  private place(x: number, y: number): void {
    this.knob.style.transform = `translate(${(x * 75).toFixed(0)}%, ${(-y * 75).toFixed(0)}%)`;
    this.onMove(x, y);
  }
}
