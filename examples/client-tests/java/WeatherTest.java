import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An agent that answers function calls, tested against the emulator with the JDK alone: {@code java WeatherTest.java}. */
public final class WeatherTest {
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        Path scenario = Path.of(arguments.length > 0 ? arguments[0] : "scenario.json");
        try (Emulator emulator = Emulator.start()) {
            emulator.control("POST", "/scenario", Files.readString(scenario));
            String answer = new Agent(emulator.url).answer("What is the weather in Oslo?");
            check(answer.equals("It rains in Oslo."), "unexpected answer: " + answer);
            String unused = emulator.control("GET", "/unused", null);
            check(unused.equals("[]"), "never used: " + unused);
            String requests = emulator.control("GET", "/requests", null);
            check(requests.contains("Oslo: 4 degrees, rain"), "the output was not submitted: " + requests);
        }
        System.out.println("1 passed, 0 failed");
    }

    private static void check(boolean holds, String message) {
        if (!holds) throw new AssertionError(message);
    }

    private static HttpResponse<String> send(String method, String url, String body) throws Exception {
        HttpRequest.BodyPublisher content =
                body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body);
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
                .header("authorization", "Bearer sk-emulator")
                .header("openai-beta", "assistants=v2")
                .header("content-type", "application/json")
                .method(method, content)
                .build();
        return HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    }

    /** The text of the first member of this name; enough for the answers of this example. */
    private static String member(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\": ?\"((?:[^\"\\\\]|\\\\.)*)\"").matcher(json);
        check(found.find(), "no member " + name + " in " + json);
        return found.group(1);
    }

    /** The agent under test. */
    private record Agent(String url) {
        String answer(String question) throws Exception {
            String tool = "{\"type\":\"function\",\"function\":{\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\"}}}";
            String assistant = member(ask("POST", "/assistants", "{\"model\":\"gpt-4o\",\"tools\":[" + tool + "]}"), "id");
            String message = "{\"role\":\"user\",\"content\":\"" + question + "\"}";
            String thread = member(ask("POST", "/threads", "{\"messages\":[" + message + "]}"), "id");
            String runs = "/threads/" + thread + "/runs";
            String run = runs + "/" + member(ask("POST", runs, "{\"assistant_id\":\"" + assistant + "\"}"), "id");
            while (true) {
                String current = ask("GET", run, null);
                switch (member(current, "status")) {
                    case "completed" -> {
                        return member(ask("GET", "/threads/" + thread + "/messages?limit=1", null), "value");
                    }
                    case "requires_action" -> submit(run, current);
                    case "queued", "in_progress" -> Thread.sleep(10);
                    default -> throw new IllegalStateException("the run ended " + member(current, "status"));
                }
            }
        }

        private void submit(String run, String current) throws Exception {
            List<String> outputs = new ArrayList<>();
            Matcher call = Pattern.compile("\"(call_[^\"]+)\"").matcher(current);
            while (call.find()) {
                outputs.add("{\"tool_call_id\":\"" + call.group(1) + "\",\"output\":\"Oslo: 4 degrees, rain\"}");
            }
            ask("POST", run + "/submit_tool_outputs", "{\"tool_outputs\":[" + String.join(",", outputs) + "]}");
        }

        private String ask(String method, String path, String body) throws Exception {
            HttpResponse<String> response = send(method, url + path, body);
            for (int retries = 0; response.statusCode() == 429 && retries < 3; retries++) {
                double seconds = Double.parseDouble(response.headers().firstValue("retry-after").orElse("1"));
                Thread.sleep((long) (seconds * 1000));
                response = send(method, url + path, body);
            }
            check(response.statusCode() == 200, method + " " + path + ": " + response.body());
            return response.body();
        }
    }

    /** The emulator, as a process of its own; it also ends with this one. */
    private record Emulator(Process process, String url, String controlUrl) implements AutoCloseable {
        static Emulator start() throws IOException {
            String command = System.getenv().getOrDefault("RUNS_CONFORMANCE_COMMAND", "runs-conformance");
            List<String> words = new ArrayList<>(List.of(command.trim().split(" +")));
            words.addAll(List.of("serve", "--port", "0", "--json", "--watch-stdin", "--step-ms", "1"));
            Process process =
                    new ProcessBuilder(words).redirectError(ProcessBuilder.Redirect.INHERIT).start();
            BufferedReader output = process.inputReader();
            String urls = output.readLine();
            check(urls != null, "the emulator did not start");
            return new Emulator(process, member(urls, "url"), member(urls, "control"));
        }

        String control(String method, String path, String body) throws Exception {
            HttpResponse<String> response = send(method, controlUrl + path, body);
            check(response.statusCode() == 200, path + ": " + response.body());
            return response.body();
        }

        @Override
        public void close() {
            process.destroy();
        }
    }
}
