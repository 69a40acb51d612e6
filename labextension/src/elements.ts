/** Small helpers for what is put into the page. */

export function element(tag: string, className = ''): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}

/** Make these the children, in this order. Those that are there already stay, with their focus. */
export function lineUp(parent: Element, children: readonly Element[]): void {
  const wanted = new Set(children);
  for (const child of [...parent.children]) {
    if (!wanted.has(child)) {
      child.remove();
    }
  }
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) {
      at = child.nextElementSibling;
    } else {
      parent.insertBefore(child, at);
    }
  }
}
