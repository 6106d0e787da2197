/** Where modules below VS Code write their log. `vscode.LogOutputChannel` fits; so does the engine's log file. */
export interface Log {
  trace(message: string): void;
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(message: string): void;
}

/** For callers that keep no log. */
export const silentLog: Log = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };
