// Calls from a script to the component that owns it. The component may leave the page while a call is on its way, and its .NET object with it: that is no error.

/**
 * @param {object} owner .NET object
 * @param {Element} element an element of the component, which leaves the page with it
 * @returns {(method: string, ...values: unknown[]) => Promise<unknown>} calls the owner unless it has left; undefined then
 */
export function caller(owner, element) {
  return async (method, ...values) => {
    if (!element.isConnected) return undefined;
    try {
      return await owner.invokeMethodAsync(method, ...values);
    } catch (error) {
      if (element.isConnected) throw error;
    }
    return undefined;
  };
}
