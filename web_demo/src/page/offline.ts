import { Signal } from "./signal.ts";

/**
 * "never": no service worker is available. "waiting": it is being installed. "ready": it controls this page.
 * "update-ready": a new version of the page is installed and waiting.
 */
export type Offline = "never" | "waiting" | "ready" | "update-ready";

/** Installs the service worker and tracks its state; start it when the page is usable. */
export class ServiceWorkerWatch {
  readonly state = new Signal<Offline>("waiting");
  private registration: ServiceWorkerRegistration | null = null;

  /** Resolves when the service worker controls this page or is known to be unavailable. */
  async start(): Promise<void> {
    if (!import.meta.env.PROD || !("serviceWorker" in navigator)) {
      this.state.set("never");
      return;
    }
    try {
      this.registration = await navigator.serviceWorker.register("service_worker.js");
      this.watch(this.registration);
      await Promise.race([controlled(), installFailed(this.registration)]);
      if (this.state.value === "waiting") this.state.set("ready");
    } catch {
      this.state.set("never");
    }
  }

  /** Activates the waiting version and reloads the page. */
  activateUpdate(): void {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    this.registration?.waiting?.postMessage("take over");
  }

  private watch(registration: ServiceWorkerRegistration): void {
    const check = (): void => {
      if (registration.waiting && navigator.serviceWorker.controller) this.state.set("update-ready");
    };
    check();
    registration.addEventListener("updatefound", () => {
      registration.installing?.addEventListener("statechange", check);
    });
  }
}

/** Waits until the service worker controls this page; on activation it claims pages that are already open. */
async function controlled(): Promise<void> {
  if (navigator.serviceWorker.controller) return;
  const changed = new Promise<void>((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
  });
  const registration = await navigator.serviceWorker.ready;
  // After a forced reload (Shift and Reload) the page stays uncontrolled.
  const active = registration.active?.state === "activated" && !navigator.serviceWorker.controller;
  await (active ? Promise.race([changed, pause(3000)]) : changed);
  if (!navigator.serviceWorker.controller) throw new Error("the service worker does not control this page");
}

/**
 * Rejects if the first service worker could not be installed because a file is missing or differs from the
 * built one.
 */
function installFailed(registration: ServiceWorkerRegistration): Promise<never> {
  return new Promise((_, reject) => {
    const { installing } = registration;
    installing?.addEventListener("statechange", () => {
      if (installing.state === "redundant" && !registration.active)
        reject(new Error("the service worker was not installed"));
    });
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
