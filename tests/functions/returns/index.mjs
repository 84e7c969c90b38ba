// An ordinary buffered function: it returns what its caller's body says, as a framework's adapter
// would.
export const handler = async (event) => JSON.parse(event.body);
