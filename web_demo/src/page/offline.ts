import { Signal } from "./signal.ts";

/**
 * "never": this browser has no service worker here. "waiting": it is being installed. "ready": it answers
 * this page. "renewed": a new version of the page waits for its turn.
 */
export type Offline = "never" | "waiting" | "ready" | "renewed";

/** Installs the service worker and follows it; call it once the page can be used. */
export class ServiceWorkerWatch {
  readonly state = new Signal<Offline>("waiting");
  private registration: ServiceWorkerRegistration | null = null;

  /** Fulfilled when the service worker answers this page, or never will. */
  async start(): Promise<void> {
    if (!import.meta.env.PROD || !("serviceWorker" in navigator)) {
      this.state.set("never");
      return;
    }
    try {
      this.registration = await navigator.serviceWorker.register("service_worker.js");
      this.watch(this.registration);
      await Promise.race([controlled(), refused(this.registration)]);
      if (this.state.value === "waiting") this.state.set("ready");
    } catch {
      this.state.set("never");
    }
  }

  /** Lets the waiting version take over and shows it. */
  takeOver(): void {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    this.registration?.waiting?.postMessage("take over");
  }

  private watch(registration: ServiceWorkerRegistration): void {
    const tell = (): void => {
      if (registration.waiting && navigator.serviceWorker.controller) this.state.set("renewed");
    };
    tell();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", tell);
    });
  }
}

/** Waits until the service worker answers this page: it claims pages that were there before it. */
async function controlled(): Promise<void> {
  if (navigator.serviceWorker.controller) return;
  const changed = new Promise<void>((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
  });
  const registration = await navigator.serviceWorker.ready;
  // A page reloaded past the service worker (Shift and Reload) stays without one.
  const active = registration.active?.state === "activated" && !navigator.serviceWorker.controller;
  await (active ? Promise.race([changed, pause(3000)]) : changed);
  if (!navigator.serviceWorker.controller) throw new Error("the service worker does not answer this page");
}

/**
 * Rejects if the very first service worker could not be installed: a file was missing or not the one
 * that was built.
 */
function refused(registration: ServiceWorkerRegistration): Promise<never> {
  return new Promise((_, reject) => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "redundant" && !registration.active) reject(new Error("it was not installed"));
    });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
