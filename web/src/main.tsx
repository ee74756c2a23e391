// Becomes the page once somebody is signed in.
import { createRoot, type Root } from "react-dom/client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { ApiError } from "./api";
import { setHost, type Host, type Me } from "./host";
import { onRedraw } from "./redraw";
import { router } from "./router";
import { applyTheme } from "./theme";
import { begin } from "./text";
import "./styles.css";
import "./parts.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 15_000, gcTime: 300_000, refetchOnWindowFocus: false,
      retry: (failures, error) => failures < 2 && (!(error instanceof ApiError) || error.status === 0 || error.status >= 500),
    },
  },
});

/** Draws the user interface into an element. */
export function mount(element: HTMLElement, host: Host): { show(me: Me): void } {
  setHost(host);
  applyTheme();
  const root: Root = createRoot(element);
  let drawn = 0;
  const draw = () => root.render(<QueryClientProvider client={client} key={drawn++}><RouterProvider router={router} /></QueryClientProvider>);
  onRedraw(draw);
  void begin().then(draw);
  return {
    show(me) {
      const other = me.id !== host.me.id;
      host.me = me;
      if (other) client.clear(); // what one person may see is not for the next
      void router.invalidate();
    },
  };
}
