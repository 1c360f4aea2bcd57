/**
 * Which tests can run here.
 *
 * @module
 */

/** Whether everything that starting a kernel takes is permitted; says once what is missing. */
export function mayStartKernels(): boolean {
  const needs: Deno.PermissionDescriptor[] = [
    { name: "read" },
    { name: "write" },
    { name: "env" },
    { name: "run" },
    { name: "net", host: "127.0.0.1" },
  ];
  const missing = needs.filter((need) => Deno.permissions.querySync(need).state !== "granted");
  if (missing.length === 0) return true;
  console.log(
    `kernel tests are skipped: they need --allow-${missing.map(({ name }) => name).join(", --allow-")}`,
  );
  return false;
}

/** Whether TCP on the loopback interface is permitted; says so if not. */
export function mayUseNetwork(): boolean {
  if (Deno.permissions.querySync({ name: "net", host: "127.0.0.1" }).state === "granted") return true;
  console.log("socket tests are skipped: they need --allow-net=127.0.0.1");
  return false;
}

/** Whether files can be written; says so if not. */
export function mayWrite(): boolean {
  const needs: Deno.PermissionDescriptor[] = [{ name: "read" }, { name: "write" }, { name: "env" }];
  if (needs.every((need) => Deno.permissions.querySync(need).state === "granted")) return true;
  console.log("file tests are skipped: they need --allow-read, --allow-write and --allow-env");
  return false;
}
