// Stands for the package react-devtools-core, which ink imports where DEV=true is set. The bundler
// wants to find it all the same; tsconfig.json leads it here.

export default {
  initialize(): void {},
  connectToDevTools(): void {},
};
