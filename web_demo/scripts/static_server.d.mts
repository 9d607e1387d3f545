export const POLICY: string;
export const ISOLATED: Record<string, string>;
export function serveFolders(
  folders: Record<string, string>,
  options?: { headers?: Record<string, string>; port?: number },
): Promise<{ url: string; close: () => Promise<void> }>;
