/** The bundler copies the file beside the bundle; the value is its path from there. */
declare module '*.wasm' {
  const path: string;
  export default path;
}
