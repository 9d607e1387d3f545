import hanji.BundleSource;
import hanji.Reason;
import hanji.Recommendation;
import hanji.Recommendations;
import hanji.Recommender;
import hanji.demo.EngineSettingsKt;
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
 * Runs the bytecode of an APK on a desktop: the self-test of the app, then recommendations for each line of
 * ids on standard input. The output is tab-separated, for the test to parse. This file must compile against
 * what is left in the APK: dex files have no generic types, and the shrinker removes unused methods.
 *
 * <p>Arguments: the directories of the recommender bundle and the classifier bundle, from the assets.
 */
public final class GoldenOnDex {
    private static final int COUNT = 10;
    private static final int REASONS = 2;

    public static void main(String[] arguments) throws Exception {
        selfTest("recommender", new Directory(new File(arguments[0])));
        selfTest("classifier", new Directory(new File(arguments[1])));
        Directory bundle = new Directory(new File(arguments[0]));
        try (Recommender model =
                        Recommender.Companion.open(bundle, EnginesKt.engines(), EngineSettingsKt.engineOptions());
                Scanner histories = new Scanner(System.in)) {
            while (histories.hasNextLine()) recommend(model, ids(histories.nextLine()));
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

    private static void recommend(Recommender model, List<Object> history) {
        Recommendations found =
                model.recommend(null, history, COUNT, false, Collections.emptyList(), null, 0.0, REASONS);
        for (Object item : found.getItems()) {
            Recommendation recommendation = (Recommendation) item;
            List<String> why = new ArrayList<>();
            for (Object reason : recommendation.getWhy()) why.add(((Reason) reason).getTitle());
            System.out.println(
                    "recommendation\t" + recommendation.getItem() + "\t" + String.join("\t", why));
        }
        System.out.println("end");
    }

    private static List<Object> ids(String line) {
        List<Object> ids = new ArrayList<>();
        for (String id : line.split(",")) ids.add(Long.valueOf(id));
        return ids;
    }

    /** Replaces the core's DirectorySource, which the app does not use, so that it is not in the APK. */
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
