declare module "*.sql" {
  const text: string;
  export default text;
}
declare module "*.txt" {
  const text: string;
  export default text;
}
declare module "*.liquid" {
  const text: string;
  export default text;
}
declare module "*.csv" {
  const text: string;
  export default text;
}
/** Files that are embedded as they are: the import gives their path. */
declare module "swagger-ui-dist/*" {
  const path: string;
  export default path;
}
declare module "uplot/*" {
  const path: string;
  export default path;
}
declare module "*.svg" {
  const path: string;
  export default path;
}
declare module "*.css" {
  const path: string;
  export default path;
}
declare module "*.js" {
  const path: string;
  export default path;
}
