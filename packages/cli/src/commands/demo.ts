export const demoCommand = { usage: 'demo', describe: '', examples: [], run: async () => 0 }
