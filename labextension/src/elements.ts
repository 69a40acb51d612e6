/** Small helpers for elements of the page. */

export function element(tag: string, className = ''): HTMLElement {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}

/** Make these the children, in this order. Existing ones stay in place and keep their focus. */
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
