// The proxy ends with the hub that started it, even if that was killed and could say nothing.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 1000).unref();
