import { useEffect, useState } from "preact/hooks";
import { useAnswer } from "./answer.ts";
import { ApiError, api, whenSignedOut } from "./api.ts";
import { CandidatePage } from "./pages/candidate.tsx";
import { LoginPage } from "./pages/login.tsx";
import { NewSearchPage } from "./pages/new-search.tsx";
import { SearchPage } from "./pages/search.tsx";
import { SearchesPage } from "./pages/searches.tsx";
import { WorkersPage } from "./pages/workers.tsx";
import { Logo } from "./parts/murmuration.tsx";
import { Empty, Failure, Loading } from "./parts/notice.tsx";
import { addresses, parseRoute, type Route } from "./route.ts";

export function App() {
  const [signedOut, setSignedOut] = useState(0);
  useEffect(() => whenSignedOut(() => setSignedOut((times) => times + 1)), []);
  const session = useAnswer("session", (signal) => api.session(signal), signedOut);
  const route = useRoute();

  if (session.error instanceof ApiError && session.error.status === 401) {
    return <LoginPage onSignedIn={session.refresh} />;
  }
  if (session.data === null) {
    return (
      <main class="page">
        {session.error ? (
          <Failure what="Starling" error={session.error} retry={session.refresh} />
        ) : (
          <Loading what="Starling" />
        )}
      </main>
    );
  }
  const signOut = async () => {
    await api.signOut().catch(() => undefined);
    session.refresh();
  };
  return (
    <>
      <Header route={route} signOut={() => void signOut()} />
      <main class="page" id="content" tabIndex={-1}>
        <CurrentPage route={route} />
      </main>
    </>
  );
}

function Header({ route, signOut }: { route: Route; signOut: () => void }) {
  const current = (pages: Route["page"][]) => (pages.includes(route.page) ? { "aria-current": "page" as const } : {});
  return (
    <header class="top">
      <button type="button" class="button skip" onClick={() => document.getElementById("content")?.focus()}>
        Skip to the content
      </button>
      <div class="top-inside">
        <a class="home" href={addresses.searches} aria-label="Starling, all searches">
          <Logo />
        </a>
        <nav aria-label="Main">
          <a href={addresses.searches} {...current(["searches", "search", "candidate", "new-search"])}>
            Searches
          </a>
          <a href={addresses.workers} {...current(["workers"])}>
            Workers
          </a>
        </nav>
        <button type="button" class="button button-quiet" onClick={signOut}>
          Sign out
        </button>
      </div>
    </header>
  );
}

function CurrentPage({ route }: { route: Route }) {
  switch (route.page) {
    case "searches":
      return <SearchesPage />;
    case "new-search":
      return <NewSearchPage key={route.from} from={route.from} />;
    case "search":
      return <SearchPage key={route.searchId} searchId={route.searchId} />;
    case "candidate":
      return <CandidatePage key={route.searchId} searchId={route.searchId} number={route.number} />;
    case "workers":
      return <WorkersPage />;
    case "not-found":
      return (
        <Empty>
          <h1>There is no such page</h1>
          <p>
            The address leads nowhere. <a href={addresses.searches}>See all searches</a>
          </p>
        </Empty>
      );
  }
}

function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const tell = () => {
      setHash(location.hash);
      window.scrollTo(0, 0);
    };
    window.addEventListener("hashchange", tell);
    return () => window.removeEventListener("hashchange", tell);
  }, []);
  return parseRoute(hash);
}
