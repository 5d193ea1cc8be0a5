/** Calls once, when one of the elements first comes near the screen: what is drawn off it moves nothing that is read. */
export function whenNear(elements: readonly Element[], call: () => void, pixels = 800): void {
  if (elements.length === 0) return;
  const near = new IntersectionObserver(
    (entries) => {
      if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
      near.disconnect();
      call();
    },
    { rootMargin: `${pixels}px 0px` },
  );
  for (const element of elements) near.observe(element);
}
