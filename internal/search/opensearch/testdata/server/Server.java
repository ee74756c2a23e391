import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.opensearch.analysis.common.CommonAnalysisPlugin;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.transport.Netty4Plugin;

/**
 * Runs one OpenSearch node on loopback: java Server HOME PORT. It ends when its standard input does, so that it
 * cannot outlive the test that started it.
 */
final class Server extends Node {
  private Server(Environment environment) {
    super(environment, List.of(Netty4Plugin.class, CommonAnalysisPlugin.class), true);
  }

  public static void main(String[] arguments) throws Exception {
    Path home = Path.of(arguments[0]).toAbsolutePath();
    Path config = Files.createDirectories(home.resolve("config"));
    Settings settings =
        Settings.builder()
            .put("path.home", home.toString())
            .put("cluster.name", "catalpa")
            .put("node.name", "catalpa")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[1])
            .put("transport.port", "0")
            // A full disk would make indexes read-only, which no test is about.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
    try (Server server = new Server(new Environment(settings, config))) {
      server.start();
      while (System.in.read() >= 0) {
        continue;
      }
    }
    System.exit(0);
  }
}
