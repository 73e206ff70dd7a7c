// `mysqlproxy top`: a dashboard in the terminal, before a proxy that runs or a recording of one.

export { type Beginning } from "./app.tsx";
export { LiveFeed, type ProxyLogin } from "./live_feed.ts";
export { placeIn, readRecording, Recorder } from "./recording.ts";
export { hasTerminal, showProxy, showRecording } from "./run.tsx";
export { onceJson, onceText, recordedJson, recordedText } from "./once.ts";
export { type TabName, TABS } from "./state.ts";
export { chosenThemeName, THEME_NAMES, type ThemeName } from "./theme.ts";
