// Nothing: what a process of Deno takes by itself.
