/**
 * A window for plotly without a browser: the DOM of linkedom, with the measuring that plotly asks of SVG elements
 * and a small canvas.
 * @module
 */

import { asCanvas } from "./canvas.ts";
import { type Box, type DomNode, localBox, pageTransform, polylineOf, textBox, transformBox } from "./box.ts";
import { pointAt } from "./path.ts";

/** The size of the picture that is being drawn, for elements that are not SVG. */
export interface PageSize {
  /** Pixels across. */
  width: number;
  /** Pixels down. */
  height: number;
}

/** An element, as far as it is used here. */
export interface PageElement {
  /** Puts a child at the end. */
  appendChild(child: PageElement): void;
  /** Takes the element out of the page. */
  remove(): void;
}

/** The document, as far as it is used here. */
export interface PageDocument {
  /** The body. */
  readonly body: PageElement;
  /** Makes an element. */
  createElement(tag: string, ...rest: unknown[]): PageElement;
}

/** A window: its globals by name. */
export type PageWindow = Record<string, unknown> & { document: PageDocument };

/** A box in the form of a DOMRect. */
function rect(box: Box | null): Record<string, number> {
  const { x0, y0, x1, y1 } = box ?? { x0: 0, y0: 0, x1: 0, y1: 0 };
  return { x: x0, y: y0, left: x0, top: y0, right: x1, bottom: y1, width: x1 - x0, height: y1 - y0 };
}

function isSVG(el: DomNode): boolean {
  return el.namespaceURI?.endsWith("svg") ?? false;
}

/** Gives elements the methods that measure. */
function addMeasuring(prototype: object, size: PageSize): void {
  const methods: Record<string, (this: DomNode, ...args: number[]) => unknown> = {
    getBoundingClientRect() {
      if (!isSVG(this)) return rect({ x0: 0, y0: 0, x1: size.width, y1: size.height });
      return rect(transformBox(pageTransform(this), localBox(this)));
    },
    getBBox() {
      return rect(localBox(this));
    },
    getComputedTextLength() {
      return rect(textBox(this)).width;
    },
    getTotalLength() {
      return polylineOf(this).lengths.at(-1) ?? 0;
    },
    getPointAtLength(length) {
      const [x, y] = pointAt(polylineOf(this), length);
      return { x, y };
    },
  };
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(prototype, name, { configurable: true, writable: true, value });
  }
}

/** SVG element names keep their case in a browser; linkedom gives them in upper case. */
function keepNameCase(prototype: object): void {
  for (const name of ["nodeName", "tagName"]) {
    let found: PropertyDescriptor | undefined;
    for (let p: object | null = prototype; p && !found; p = Object.getPrototypeOf(p)) {
      found = Object.getOwnPropertyDescriptor(p, name);
    }
    const get = found?.get;
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: DomNode & { localName: string }): string {
        return isSVG(this) || !get ? this.localName : get.call(this);
      },
    });
  }
}

/** The globals that plotly reads and linkedom does not have or has otherwise. */
function globals(): Record<string, unknown> {
  return {
    getComputedStyle: () => ({
      display: "block",
      getPropertyValue: (name: string): string => name === "transform" ? "none" : "",
    }),
    XMLSerializer: class {
      serializeToString(node: unknown): string {
        return String(node);
      }
    },
    CSS: undefined,
    matchMedia: () => ({ matches: false, addListener() {}, addEventListener() {} }),
    requestAnimationFrame: (call: () => void) => setTimeout(call, 0),
    URL,
    setTimeout,
    clearTimeout,
    navigator: { userAgent: "" },
    location: { href: "" },
    process: { env: {} },
  };
}

/**
 * Makes a window.
 *
 * @param size The size of the page; may be changed before each picture.
 * @returns The window. Nothing of it is put on the global object.
 */
export async function makeWindow(size: PageSize): Promise<PageWindow> {
  const { parseHTML } = await import("npm:linkedom@0.18.12");
  const page = parseHTML("<!doctype html><html><head></head><body></body></html>").window as unknown as
    & PageWindow
    & { Element: { prototype: object } };
  addMeasuring(page.Element.prototype, size);
  keepNameCase(page.Element.prototype);
  const { document } = page;
  const createElement = document.createElement.bind(document);
  document.createElement = (tag, ...rest) =>
    tag === "canvas" ? asCanvas(createElement("div")) : createElement(tag, ...rest);
  const own: Record<PropertyKey, unknown> = { ...globals(), document };
  const window: PageWindow = new Proxy(page, {
    get: (target, key) => {
      if (key === "window" || key === "self" || key === "globalThis") return window;
      return key in own ? own[key] : Reflect.get(target, key);
    },
    set: (_target, key, value) => {
      own[key] = value;
      return true;
    },
  });
  return window;
}
