/** Whether the work settled within `ms`, well or not. */
export function settledWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms);
    const onSettled = () => {
      clearTimeout(timer);
      resolve(true);
    };
    work.then(onSettled, onSettled);
  });
}
