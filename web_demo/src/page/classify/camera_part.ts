import { Cleanups } from "../app.ts";
import { button, el, fill } from "../dom.ts";
import type { Texts } from "../texts/index.ts";
import { frameOf } from "./pixels.ts";
import { invertSwitch, shotCanvas } from "./image_part.ts";
import type { ClassifyState } from "./state.ts";

/** The camera source: off until its button is pressed, and off again after a photo has been taken. */
export class CameraPart {
  readonly element: HTMLElement;
  readonly cleanups = new Cleanups();
  private readonly stage = el("div", { class: "stage" });
  private readonly buttons = el("div", { class: "buttons" });
  private readonly problem = el("p", { class: "notice bad", role: "alert", hidden: true });
  private stream: MediaStream | null = null;

  constructor(
    private readonly texts: Texts,
    private readonly state: ClassifyState,
  ) {
    const invert = invertSwitch(state, texts, this.cleanups);
    this.element = el("div", { class: "stage-part" }, this.stage, this.problem, this.buttons, invert);
    const show = (): void => {
      if (!this.stream) this.showStill();
    };
    this.cleanups.add(state.shot.subscribe(show), state.inverted.subscribe(show), () => this.stop());
  }

  /**
   * Also called when another view or source is selected, so that the camera never stays on in the background.
   */
  stop(): void {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.showStill();
  }

  private showStill(): void {
    const { classify: words } = this.texts;
    const { shot, inverted } = this.state;
    const hint = el("p", { class: "hint" }, words.cameraHelp);
    fill(this.stage, shot.value ? shotCanvas(shot.value, inverted.value, this.texts) : hint);
    fill(
      this.buttons,
      button(words.startCamera, () => void this.start(), { kind: "primary", id: "camera-start" }),
    );
  }

  private async start(): Promise<void> {
    this.problem.hidden = true;
    try {
      // `mediaDevices` is undefined without https.
      const video = { facingMode: "environment" };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      // Another source may have been selected while the permission prompt was open.
      if (!this.element.isConnected || this.state.source.value !== "camera") {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.stream = stream;
      await this.showLive(stream);
    } catch (error) {
      this.stop();
      this.problem.textContent = this.reason(error);
      this.problem.hidden = false;
    }
  }

  private async showLive(stream: MediaStream): Promise<void> {
    const { classify: words } = this.texts;
    const video = el("video", { class: "shot", playsinline: true, "aria-label": words.cameraView });
    video.muted = true;
    video.srcObject = stream;
    fill(this.stage, video);
    const take = button(words.takePhoto, () => this.take(video), { kind: "primary", id: "camera-take" });
    fill(
      this.buttons,
      take,
      button(words.stopCamera, () => this.stop()),
    );
    await video.play();
    take.focus();
  }

  private take(video: HTMLVideoElement): void {
    const pixels = frameOf(video);
    this.stop();
    this.state.shot.set({ pixels, name: this.texts.classify.cameraImage });
  }

  private reason(error: unknown): string {
    const words = this.texts.classify;
    const name = error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError") return words.cameraRefused;
    return name === "NotFoundError" || error instanceof TypeError ? words.cameraMissing : words.cameraFailed;
  }
}
