import { setDefaultTimeout } from "bun:test";

// Five seconds say that a test hangs on an idle machine; on one that others use, they say nothing.
setDefaultTimeout(30_000);
