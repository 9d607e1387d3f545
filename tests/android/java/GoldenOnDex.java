import hanji.BundleSource;
import hanji.Reason;
import hanji.Recommendation;
import hanji.Recommendations;
import hanji.Recommender;
import hanji.demo.EnginesKt;
import hanji.demo.SelfTestReport;
import hanji.demo.SelfTestRunKt;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Scanner;

/**
 * Runs the bytecode of an APK on a desktop: the app's own self-test, then one recommendation for each line of
 * ids on standard input. What it prints is tab-separated: the test reads it. Dex keeps no generic types, and the
 * shrinker only what the app uses: this file does with what is left.
 *
 * <p>Arguments: the directories of the recommender's and the classifier's bundle, as they lie in the assets.
 */
public final class GoldenOnDex {
    private static final int ANSWERS = 10;
    private static final int REASONS = 2;

    public static void main(String[] arguments) throws Exception {
        selfTest("recommender", new Directory(new File(arguments[0])));
        selfTest("classifier", new Directory(new File(arguments[1])));
        Directory bundle = new Directory(new File(arguments[0]));
        try (Recommender model = Recommender.Companion.open(bundle, EnginesKt.engines(), EnginesKt.engineOptions());
                Scanner questions = new Scanner(System.in)) {
            while (questions.hasNextLine()) answer(model, ids(questions.nextLine()));
        }
    }

    private static void selfTest(String folder, BundleSource source) {
        SelfTestReport report = SelfTestRunKt.selfTest(folder, source);
        System.out.println(
                String.join(
                        "\t",
                        "self-test",
                        folder,
                        String.valueOf(report.getResult().getPassed()),
                        String.valueOf(report.getResult().getCases()),
                        report.getPlacement().getEngine(),
                        report.getResult().getDetail()));
    }

    private static void answer(Recommender model, List<Object> history) {
        Recommendations found =
                model.recommend(null, history, ANSWERS, false, Collections.emptyList(), null, 0.0, REASONS);
        for (Object item : found.getItems()) {
            Recommendation one = (Recommendation) item;
            List<String> why = new ArrayList<>();
            for (Object reason : one.getWhy()) why.add(((Reason) reason).getTitle());
            System.out.println("answer\t" + one.getItem() + "\t" + String.join("\t", why));
        }
        System.out.println("end");
    }

    private static List<Object> ids(String line) {
        List<Object> ids = new ArrayList<>();
        for (String id : line.split(",")) ids.add(Long.valueOf(id));
        return ids;
    }

    /** The core's own class for directories is not in the APK: the app has no use for it. */
    private record Directory(File root) implements BundleSource {
        @Override
        public InputStream open(String path) {
            try {
                return new FileInputStream(new File(root, path));
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        }
    }
}
