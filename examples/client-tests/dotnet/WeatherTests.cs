using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

/// <summary>An agent that answers function calls, tested against the emulator.</summary>
public sealed class WeatherTests
{
    [Fact]
    public async Task AgentAnswersTheCallAndSurvives429()
    {
        using var emulator = await Emulator.StartAsync();
        var scenario = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "scenario.json"));
        await emulator.ControlAsync(HttpMethod.Post, "/scenario", scenario);

        Assert.Equal("It rains in Oslo.", await new Agent(emulator.Url).AnswerAsync("What is the weather in Oslo?"));

        Assert.Equal("[]", await emulator.ControlAsync(HttpMethod.Get, "/unused"));
        Assert.Contains("Oslo: 4 degrees, rain", await emulator.ControlAsync(HttpMethod.Get, "/requests"));
    }
}

/// <summary>The code under test.</summary>
internal sealed class Agent(string url)
{
    public async Task<string> AnswerAsync(string question)
    {
        var function = new JsonObject { ["name"] = "get_weather", ["parameters"] = new JsonObject { ["type"] = "object" } };
        var tools = new JsonArray(new JsonObject { ["type"] = "function", ["function"] = function });
        var assistant = await AskAsync(HttpMethod.Post, "/assistants", new JsonObject { ["model"] = "gpt-4o", ["tools"] = tools });
        var messages = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question });
        var thread = await AskAsync(HttpMethod.Post, "/threads", new JsonObject { ["messages"] = messages });
        var runs = $"/threads/{thread["id"]}/runs";
        var created = await AskAsync(HttpMethod.Post, runs, new JsonObject { ["assistant_id"] = (string)assistant["id"]! });
        var path = $"{runs}/{created["id"]}";
        while (true)
        {
            var run = await AskAsync(HttpMethod.Get, path);
            switch ((string)run["status"]!)
            {
                case "completed":
                    var list = await AskAsync(HttpMethod.Get, $"/threads/{thread["id"]}/messages?limit=1");
                    return (string)list["data"]![0]!["content"]![0]!["text"]!["value"]!;
                case "requires_action":
                    await SubmitAsync(path, run);
                    break;
                case "queued" or "in_progress":
                    await Task.Delay(10);
                    break;
                default:
                    throw new InvalidOperationException($"the run ended {run["status"]}");
            }
        }
    }

    private async Task SubmitAsync(string path, JsonNode run)
    {
        var outputs = new JsonArray();
        foreach (var call in run["required_action"]!["submit_tool_outputs"]!["tool_calls"]!.AsArray())
        {
            var city = (string)JsonNode.Parse((string)call!["function"]!["arguments"]!)!["city"]!;
            outputs.Add(new JsonObject { ["tool_call_id"] = (string)call["id"]!, ["output"] = $"{city}: 4 degrees, rain" });
        }
        await AskAsync(HttpMethod.Post, $"{path}/submit_tool_outputs", new JsonObject { ["tool_outputs"] = outputs });
    }

    private async Task<JsonNode> AskAsync(HttpMethod method, string path, JsonNode? body = null)
    {
        for (var retries = 0; ; retries++)
        {
            using var response = await Http.SendAsync(method, url + path, body?.ToJsonString());
            if (response.StatusCode == HttpStatusCode.TooManyRequests && retries < 3)
            {
                var after = response.Headers.GetValues("retry-after").First();
                await Task.Delay(TimeSpan.FromSeconds(double.Parse(after, CultureInfo.InvariantCulture)));
                continue;
            }
            response.EnsureSuccessStatusCode();
            return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        }
    }
}

internal static class Http
{
    private static readonly HttpClient Client = new();

    public static Task<HttpResponseMessage> SendAsync(HttpMethod method, string url, string? body)
    {
        var request = new HttpRequestMessage(method, url);
        request.Headers.Add("authorization", "Bearer sk-emulator");
        request.Headers.Add("openai-beta", "assistants=v2");
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }
        return Client.SendAsync(request);
    }
}

/// <summary>The emulator, a process of its own, which also ends with this one.</summary>
internal sealed class Emulator(Process process, string url, string controlUrl) : IDisposable
{
    public string Url => url;

    public static async Task<Emulator> StartAsync()
    {
        var command = Environment.GetEnvironmentVariable("RUNS_CONFORMANCE_COMMAND") ?? "runs-conformance";
        var words = command.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var start = new ProcessStartInfo(words[0]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var word in words.Skip(1).Concat(["serve", "--port", "0", "--json", "--watch-stdin", "--step-ms", "1"]))
        {
            start.ArgumentList.Add(word);
        }
        var process = Process.Start(start) ?? throw new InvalidOperationException("the emulator did not start");
        var line = await process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("the emulator did not start");
        var urls = JsonNode.Parse(line)!;
        return new Emulator(process, (string)urls["url"]!, (string)urls["control"]!);
    }

    public async Task<string> ControlAsync(HttpMethod method, string path, string? body = null)
    {
        using var response = await Http.SendAsync(method, controlUrl + path, body);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? text : throw new InvalidOperationException($"{path}: {text}");
    }

    public void Dispose()
    {
        process.StandardInput.Close();
        process.WaitForExit(5000);
        process.Dispose();
    }
}
